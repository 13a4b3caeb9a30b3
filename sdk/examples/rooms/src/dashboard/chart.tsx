// A line over time: drawn as SVG, as wide as its place, with the value under the pointer.
import { type PointerEvent, useEffect, useId, useMemo, useRef, useState } from 'react'

export interface Point {
  /** Ms since 1970. */
  readonly at: number
  readonly value: number
}

interface ChartProps {
  /** Oldest first, evenly spaced in time. */
  points: readonly Point[]
  /** The width holds so many; fewer stand at the right. */
  pointsMax: number
  /** What the line is, for those who don't see it. */
  name: string
}

const height = 260
const margin = { top: 12, right: 4, bottom: 26, left: 34 }
const gridLines = 4

export function Chart({ points, pointsMax, name }: ChartProps) {
  const { ref, width } = useWidth()
  const [hovered, setHovered] = useState<number | null>(null)
  const fill = useId()
  const { ticks, x, y } = useMemo(
    () => scales(points, pointsMax, width),
    [points, pointsMax, width],
  )
  const line = points.map(({ value }, index) => `${x(index)},${y(value)}`).join(' ')
  const base = height - margin.bottom
  const latest = points.at(-1)
  const shownIndex = hovered !== null && hovered < points.length ? hovered : null
  const shown = shownIndex === null ? undefined : points[shownIndex]

  const onPointerMove = (event: PointerEvent<SVGSVGElement>) => {
    const left = event.clientX - event.currentTarget.getBoundingClientRect().left
    const step = (width - margin.left - margin.right) / (pointsMax - 1)
    const index = Math.round((left - x(0)) / step)
    setHovered(index >= 0 && index < points.length ? index : null)
  }

  return (
    <div className="chart" ref={ref}>
      {latest === undefined || width === 0 ? (
        <p className="soft chart-empty">Waiting for the first figures…</p>
      ) : (
        <svg
          width={width}
          height={height}
          role="img"
          aria-label={`${name}: ${latest.value} now`}
          onPointerMove={onPointerMove}
          onPointerLeave={() => setHovered(null)}
        >
          <defs>
            <linearGradient id={fill} x1="0" y1="0" x2="0" y2="1">
              <stop offset="0" className="fill-top" />
              <stop offset="1" className="fill-bottom" />
            </linearGradient>
          </defs>
          {ticks.map((value) => (
            <g key={value}>
              <line className="grid" x1={margin.left} x2={width} y1={y(value)} y2={y(value)} />
              <text x={margin.left - 8} y={y(value)} dy="0.32em" textAnchor="end">
                {value}
              </text>
            </g>
          ))}
          {timeLabels(pointsMax, width).map(({ index, text, anchor }) => (
            <text
              key={text}
              x={margin.left + ((width - margin.left - margin.right) * index) / (pointsMax - 1)}
              y={height - 6}
              textAnchor={anchor}
            >
              {text}
            </text>
          ))}
          <polygon
            fill={`url(#${fill})`}
            points={`${x(0)},${base} ${line} ${x(points.length - 1)},${base}`}
          />
          <polyline className="line" points={line} />
          <circle className="dot" cx={x(points.length - 1)} cy={y(latest.value)} r="3.5" />
          {shown !== undefined && shownIndex !== null && (
            <g>
              <line
                className="cross"
                x1={x(shownIndex)}
                x2={x(shownIndex)}
                y1={margin.top}
                y2={base}
              />
              <circle className="dot" cx={x(shownIndex)} cy={y(shown.value)} r="4.5" />
            </g>
          )}
        </svg>
      )}
      {shown !== undefined && shownIndex !== null && (
        <div
          className="tip"
          style={{ left: Math.min(Math.max(x(shownIndex), 64), width - 64), top: 0 }}
        >
          <strong>{shown.value}</strong> {new Date(shown.at).toLocaleTimeString()}
        </div>
      )}
    </div>
  )
}

/** Round values for the grid, and from an index or a value to a place. */
function scales(points: readonly Point[], pointsMax: number, width: number) {
  const values = points.length === 0 ? [0] : points.map(({ value }) => value)
  const low = Math.min(...values)
  const high = Math.max(...values)
  const step = niceStep((high - low) / gridLines)
  const bottom = Math.max(0, Math.floor(low / step - 0.2) * step)
  const top = Math.ceil(high / step + 0.2) * step
  const ticks = Array.from({ length: Math.round((top - bottom) / step) + 1 }, (_, index) =>
    Number((bottom + index * step).toFixed(2)),
  )
  const inner = {
    width: width - margin.left - margin.right,
    height: height - margin.top - margin.bottom,
  }
  const first = pointsMax - points.length
  return {
    ticks,
    x: (index: number) => margin.left + (inner.width * (first + index)) / (pointsMax - 1),
    y: (value: number) => margin.top + inner.height * (1 - (value - bottom) / (top - bottom)),
  }
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(least, 1e-9)))
  const factor = [1, 2, 5, 10].find((each) => each * magnitude >= least) ?? 10
  return Math.max(1, factor * magnitude)
}

function timeLabels(pointsMax: number, width: number) {
  const half = Math.round((pointsMax - 1) / 2)
  return [
    { index: 0, text: `${pointsMax} s ago`, anchor: 'start' as const },
    ...(width > 360
      ? [{ index: half, text: `${pointsMax / 2} s ago`, anchor: 'middle' as const }]
      : []),
    { index: pointsMax - 1, text: 'now', anchor: 'end' as const },
  ]
}

function useWidth() {
  const ref = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const element = ref.current
    if (element === null) return
    const observer = new ResizeObserver(() => setWidth(element.clientWidth))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return { ref, width }
}

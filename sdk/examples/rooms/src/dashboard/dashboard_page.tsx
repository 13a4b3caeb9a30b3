// The shop's figures, live: a public channel that the server alone writes.
import { useChannel } from 'tako-channels/react'

import type { Tick } from '../../channels/sales.js'
import { Chart } from './chart.js'

const ticksMax = 60
const changeOverTicks = 15

export function DashboardPage() {
  const { messages, status, error, retry } = useChannel('sales', {
    lastEventId: '0', // What is retained fills the chart at once.
    limit: ticksMax,
  })
  const ticks = messages.map(({ data }) => data)
  const latest = ticks.at(-1)

  return (
    <section className="scroll dashboard" aria-label="Dashboard">
      <header className="page-head">
        <div>
          <h1>Dashboard</h1>
          <p className="soft">A made-up shop, one message each second</p>
        </div>
        {latest !== undefined && (
          <p className="soft figures" data-tick={latest.n} data-missing={missing(ticks)}>
            Tick {latest.n} · {missing(ticks)} missing
          </p>
        )}
      </header>
      {status === 'failed' && (
        <div className="note warn" role="alert">
          {error?.message ?? 'The server refused the channel.'}{' '}
          <button type="button" className="link" onClick={retry}>
            Try again
          </button>
        </div>
      )}
      {status === 'waiting' && latest !== undefined && (
        <p className="note" role="status">
          Not live at the moment. What happens meanwhile is added when the connection is back.
        </p>
      )}
      <div className="cards">
        <Figure
          name="Orders per minute"
          value={latest?.ordersPerMinute.toFixed(1)}
          change={change(ticks, ({ ordersPerMinute }) => ordersPerMinute)}
        />
        <Figure name="Revenue" value={latest && money(latest.revenue)} />
        <Figure
          name="Shoppers"
          value={latest?.shoppers.toLocaleString()}
          change={change(ticks, ({ shoppers }) => shoppers)}
        />
        <Figure
          name="Response time"
          value={latest && `${latest.responseMs} ms`}
          change={change(ticks, ({ responseMs }) => responseMs)}
          isLessBetter
        />
      </div>
      <div className="wide-cards">
        <div className="card">
          <h2>Orders per minute</h2>
          <Chart
            points={ticks.map(({ at, ordersPerMinute }) => ({ at, value: ordersPerMinute }))}
            pointsMax={ticksMax}
            name="Orders per minute"
          />
        </div>
        <div className="card">
          <h2>By region</h2>
          <Regions regions={latest?.regions ?? []} />
        </div>
      </div>
    </section>
  )
}

interface FigureProps {
  name: string
  value: string | undefined
  /** In per cent, against a while ago. */
  change?: number | null
  isLessBetter?: boolean
}

function Figure({ name, value, change = null, isLessBetter = false }: FigureProps) {
  const isGood = change ? change > 0 !== isLessBetter : undefined
  return (
    <div className="card figure">
      <h2>{name}</h2>
      <p className="value">{value ?? '–'}</p>
      <p className="change" data-good={isGood}>
        {change === null ? '\u00a0' : changeWords(change)}
      </p>
    </div>
  )
}

function changeWords(percent: number): string {
  if (percent === 0) return `Unchanged in ${changeOverTicks} s`
  return `${percent > 0 ? '▲' : '▼'} ${Math.abs(percent)} % in ${changeOverTicks} s`
}

function Regions({ regions }: { regions: Tick['regions'] }) {
  const most = Math.max(1, ...regions.map(({ orders }) => orders))
  return (
    <ul className="regions">
      {regions.map(({ name, orders }) => (
        <li key={name}>
          <span>{name}</span>
          <span className="amount">{orders.toFixed(1)}</span>
          <i style={{ width: `${(orders / most) * 100}%` }} />
        </li>
      ))}
    </ul>
  )
}

/** Against a while ago, in per cent; null when nothing is that old. */
function change(ticks: readonly Tick[], valueOf: (tick: Tick) => number): number | null {
  const now = ticks.at(-1)
  const then = ticks.at(-1 - changeOverTicks)
  if (now === undefined || then === undefined || valueOf(then) === 0) return null
  return Math.round((valueOf(now) / valueOf(then) - 1) * 100)
}

/** How many ticks are not there between the first and the last: the server counts them. */
function missing(ticks: readonly Tick[]): number {
  return ticks.reduce((sum, { n }, index) => {
    const before = ticks[index - 1]?.n ?? n - 1
    // A lower number: the server that counts was started anew.
    return n > before ? sum + n - before - 1 : sum
  }, 0)
}

function money(amount: number): string {
  return amount.toLocaleString(undefined, {
    style: 'currency',
    currency: 'EUR',
    maximumFractionDigits: 0,
  })
}

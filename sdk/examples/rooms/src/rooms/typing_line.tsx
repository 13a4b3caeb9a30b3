// The line that says who is typing; as high when nobody is, so that nothing jumps.

export function TypingLine({ names }: { names: readonly string[] }) {
  const [first, second] = names
  const text =
    first === undefined
      ? ''
      : second === undefined
        ? `${first} is typing`
        : names.length === 2
          ? `${first} and ${second} are typing`
          : `${names.length} people are typing`
  return (
    <p className="typing" aria-live="polite">
      {text !== '' && (
        <>
          <span className="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {text}
        </>
      )}
    </p>
  )
}

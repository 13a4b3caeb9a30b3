// Who one is: the name, and how to be someone else in this tab.
import { type FormEvent } from 'react'

import { useIdentity } from '../session.js'
import { Avatar } from './avatar.js'
import { Popover } from './popover.js'

export function Profile() {
  const { identity, rename, another } = useIdentity()
  const onSubmit = (event: FormEvent<HTMLFormElement>, close: () => void) => {
    event.preventDefault()
    const name = String(new FormData(event.currentTarget).get('name') ?? '').trim()
    close()
    if (name !== '' && name !== identity.name) rename(name)
  }
  const face = (
    <>
      <Avatar name={identity.name} />
      <span className="profile-name">{identity.name}</span>
    </>
  )
  return (
    <Popover label={`You are ${identity.name}`} className="profile-button" face={face}>
      {(close) => (
        <>
          <h2>You</h2>
          <form className="rename" onSubmit={(event) => onSubmit(event, close)}>
            <label htmlFor="name">Name</label>
            <div className="row">
              <input
                id="name"
                name="name"
                defaultValue={identity.name}
                maxLength={24}
                pattern="[\p{L}\p{N} ._\-]*"
                title="Letters, digits, blanks, and . _ -"
                autoComplete="off"
                spellCheck={false}
              />
              <button className="button">Save</button>
            </div>
          </form>
          <h3>To talk with yourself</h3>
          <p className="soft">This tab can be another person; your other tabs stay who they are.</p>
          <button
            type="button"
            className="button"
            onClick={() => {
              close()
              another()
            }}
          >
            Be someone else here
          </button>
        </>
      )}
    </Popover>
  )
}

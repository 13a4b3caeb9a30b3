// The page's entry.
import '@fontsource-variable/inter'
import './styles/base.css'
import './styles/shell.css'
import './styles/rooms.css'
import './styles/dashboard.css'
import './styles/activity.css'

import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { App } from './app.js'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)

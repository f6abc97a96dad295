// The page begins here.
import { mount } from 'svelte'
import App from './App.svelte'
import { onSignedOut } from './api/client'
import { speak } from './i18n/index.svelte'
import { push } from './push/client.svelte'
import { listen } from './router.svelte'
import { session } from './session.svelte'
import './app.css'

onSignedOut(() => {
  const again = session.ended()
  push.signedOut()
  return again
})
listen()
void session.ask()
void speak().then(() => mount(App, { target: document.getElementById('page') as HTMLElement }))

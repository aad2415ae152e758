/** What is around every view: the way to each, settings and login, and what went wrong. */
export const frame = {
  languageName: 'English',
  skip: 'Skip to the content',
  loading: 'Loading …',
  retrying: 'Trying again…',
  close: 'Close',
  all: 'All',
  nav: {
    name: 'Pages',
    live: 'Live',
    events: 'Events',
    timeline: 'Timeline',
    health: 'Health',
    zones: 'Zones',
  },
  settings: {
    name: 'Settings',
    theme: 'Appearance',
    system: 'As the device',
    light: 'Light',
    dark: 'Dark',
    language: 'Language',
  },
  push: {
    name: 'Notifications',
    turnOn: 'Notify this browser',
    turnOff: 'Stop notifying this browser',
    states: {
      insecure: 'This browser can only be notified where the page is opened over https.',
      unsupported:
        'This browser cannot be notified. On an iPhone or iPad, put the page on the home screen and open it there.',
      blocked:
        'The browser blocks notifications of this page: allow them in its settings for this page, then come back.',
      off: 'This browser is not notified of events.',
      on: 'This browser is notified of events, also while the page is closed.',
    },
    noService:
      'The browser got no address for notifications from its maker’s push service: it has none, or cannot reach it. Try again later, or in another browser.',
  },
  account: {
    login: 'Log in',
    logout: 'Log out',
    user: 'User name',
    password: 'Password',
    roles: { viewer: 'viewer', operator: 'operator', admin: 'administrator' } as Record<string, string>,
    hint: 'This page is only for those with an account on this faascam.',
    as: (name: string, role: string) => `${name}, ${role}`,
    wrong: 'This user name and password do not belong together.',
    unconfigured:
      'No user is set up yet, so nobody is let in from elsewhere: the docs on security tell how to add one.',
  },
  link: {
    live: 'Live',
    connecting: 'Connecting',
    away: 'No connection',
    partly: 'Events only',
  },
  faults: {
    away: 'The viewer does not answer.',
    version: 'The viewer is of another version than this page: reload it.',
    improper: (status: number) => `The viewer does not answer properly (${status}).`,
    refused: (status: number) => `The viewer refused (${status}).`,
    page: 'This page has failed; reload it.',
    unknownPage: 'There is no such page.',
    unknownPageHint: 'The address may be mistyped or old.',
    toLive: 'To the cameras',
  },
};

import type { frame as english } from '../en/frame.ts';

export const frame: typeof english = {
  languageName: 'Deutsch',
  skip: 'Zum Inhalt springen',
  loading: 'Wird geladen …',
  retrying: 'Neuer Versuch …',
  close: 'Schließen',
  all: 'Alle',
  nav: {
    name: 'Seiten',
    live: 'Live',
    events: 'Ereignisse',
    timeline: 'Zeitleiste',
    health: 'Zustand',
    zones: 'Zonen',
  },
  settings: {
    name: 'Einstellungen',
    theme: 'Aussehen',
    system: 'Wie das Gerät',
    light: 'Hell',
    dark: 'Dunkel',
    language: 'Sprache',
  },
  push: {
    name: 'Benachrichtigungen',
    turnOn: 'Diesen Browser benachrichtigen',
    turnOff: 'Diesen Browser nicht mehr benachrichtigen',
    states: {
      insecure: 'Dieser Browser kann nur benachrichtigt werden, wenn die Seite über https geöffnet ist.',
      unsupported:
        'Dieser Browser kann nicht benachrichtigt werden. Auf einem iPhone oder iPad: die Seite zum Home-Bildschirm hinzufügen und dort öffnen.',
      blocked:
        'Der Browser blockiert Benachrichtigungen dieser Seite: in seinen Einstellungen für diese Seite erlauben, dann zurückkommen.',
      off: 'Dieser Browser wird nicht über Ereignisse benachrichtigt.',
      on: 'Dieser Browser wird über Ereignisse benachrichtigt, auch wenn die Seite geschlossen ist.',
    },
    noService:
      'Der Browser hat vom Push-Dienst seines Herstellers keine Adresse bekommen: er hat keinen oder erreicht ihn nicht. Später noch einmal versuchen, oder in einem anderen Browser.',
  },
  account: {
    login: 'Anmelden',
    logout: 'Abmelden',
    user: 'Benutzername',
    password: 'Passwort',
    roles: { viewer: 'sieht zu', operator: 'bedient', admin: 'verwaltet' },
    hint: 'Diese Seite ist nur für Menschen mit einem Konto in diesem faascam.',
    as: (name, role) => `${name}, ${role}`,
    wrong: 'Benutzername und Passwort gehören nicht zusammen.',
    unconfigured:
      'Noch ist kein Benutzer eingerichtet, darum kommt von anderswo niemand herein: die Dokumentation zur Sicherheit sagt, wie man einen anlegt.',
  },
  link: {
    live: 'Live',
    connecting: 'Verbinde',
    away: 'Keine Verbindung',
    partly: 'Nur Ereignisse',
  },
  faults: {
    away: 'Der Viewer antwortet nicht.',
    version: 'Der Viewer hat eine andere Version als diese Seite: bitte neu laden.',
    improper: (status) => `Der Viewer antwortet nicht richtig (${status}).`,
    refused: (status) => `Der Viewer lehnt ab (${status}).`,
    page: 'Diese Seite ist gescheitert; bitte neu laden.',
    unknownPage: 'Diese Seite gibt es nicht.',
    unknownPageHint: 'Die Adresse ist vielleicht vertippt oder alt.',
    toLive: 'Zu den Kameras',
  },
};

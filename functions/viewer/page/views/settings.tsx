import type { JSX } from 'preact';
import { status } from '../data/cameras.ts';
import { lookAtPush } from '../data/push.ts';
import { logOut, session } from '../data/session.ts';
import { Icon } from '../parts/icons.tsx';
import { Select } from '../parts/select.tsx';
import { chooseTheme, theme, themes } from '../theme.ts';
import { language, languages } from '../words/format.ts';
import { catalogues, chooseLanguage, words } from '../words/words.ts';
import { NotifyBrowser } from './notify-browser.tsx';

/** How the page looks and speaks on this device, and what runs behind it. */
export function Settings(): JSX.Element {
  const { settings: say, account: sayAccount } = words.value;
  const user = session.value?.user;
  const about = status.value;
  return (
    <>
      <button
        class="icon-button"
        type="button"
        popovertarget="settings"
        aria-label={say.name}
        title={say.name}
      >
        <Icon name="settings" />
      </button>
      <div
        class="menu"
        id="settings"
        popover="auto"
        role="dialog"
        aria-label={say.name}
        onToggle={({ newState }) => {
          if (newState === 'open') void lookAtPush();
        }}
      >
        <Select
          plain
          label={say.theme}
          value={theme.value}
          choices={themes.map((one) => [one, say[one]] as const)}
          onChoose={(chosen) => {
            const found = themes.find((one) => one === chosen);
            if (found !== undefined) chooseTheme(found);
          }}
        />
        <Select
          plain
          label={say.language}
          value={language.value}
          choices={languages.map((one) => [one, catalogues[one].languageName] as const)}
          onChoose={(chosen) => {
            const found = languages.find((one) => one === chosen);
            if (found !== undefined) chooseLanguage(found);
          }}
        />
        <NotifyBrowser />
        {user !== undefined && (
          <div class="account">
            <p>
              <Icon name="user" />
              {sayAccount.as(user.name, sayAccount.roles[user.role] ?? user.role)}
            </p>
            <button class="button" type="button" onClick={() => void logOut()}>
              {sayAccount.logout}
            </button>
          </div>
        )}
        {about !== undefined && <p class="about">{about.software}</p>}
      </div>
    </>
  );
}

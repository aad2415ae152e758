import { render } from 'preact';
import { App } from './app.tsx';
import { startCameras } from './data/cameras.ts';
import { startPush } from './data/push.ts';
import { startSession } from './data/session.ts';
import { startStream } from './data/stream.ts';
import { startRouter } from './router.ts';
import { startTheme } from './theme.ts';
import { startLanguage } from './words/words.ts';

startTheme();
startLanguage();
startRouter();
startSession();
startCameras();
startStream();
startPush();

const root = document.getElementById('app');
if (root === null) throw new Error('The page has no element with id app.');
render(<App />, root);

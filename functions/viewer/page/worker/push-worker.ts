import { shownOf } from './push-message.ts';

declare const self: ServiceWorkerGlobalScope;

/**
 * The page's service worker: it shows what is pushed while the page is closed, and opens the event on a click. It answers
 * no request of the page.
 */
self.addEventListener('install', (event) => {
  event.waitUntil(self.skipWaiting());
});

self.addEventListener('push', (event) => {
  const { title, options } = shownOf(event.data?.text() ?? '');
  event.waitUntil(self.registration.showNotification(title, options));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const path: unknown = event.notification.data;
  event.waitUntil(open(typeof path === 'string' ? path : ''));
});

/** In a window of the page that is open already, or a new one. */
async function open(path: string): Promise<void> {
  const { scope } = self.registration;
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const shown = windows.find(({ url }) => url.startsWith(scope));
  if (shown === undefined) {
    await self.clients.openWindow(new URL(path, scope).href);
    return;
  }
  shown.postMessage({ open: path });
  // A browser may leave it where it is.
  await shown.focus().catch(() => undefined);
}

import { afterEach, expect, it, vi } from 'vitest';
import { playWebRtc } from './live-webrtc.ts';

/** The browser's, as far as it is used here, which Node has not. */
class TestPeer extends EventTarget {
  iceGatheringState = 'complete';
  connectionState = 'connected';
  localDescription = { sdp: 'offer' };
  addTransceiver(): object {
    return { receiver: {} };
  }
  createOffer(): Promise<object> {
    return Promise.resolve({});
  }
  setLocalDescription(): Promise<void> {
    return Promise.resolve();
  }
  setRemoteDescription(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {
    this.connectionState = 'closed';
  }
}

afterEach(() => {
  vi.unstubAllGlobals();
});

it('it is over only when the agent has been told, so that a login which allows that may end then', async () => {
  const asked: string[] = [];
  let answer = (): void => undefined;
  const page = new EventTarget();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  vi.stubGlobal('document', { createElement: () => ({}) });
  vi.stubGlobal('RTCPeerConnection', TestPeer);
  vi.stubGlobal('fetch', async (url: URL | string, { method = 'GET' }: RequestInit) => {
    asked.push(`${method} ${String(url)}`);
    if (method === 'DELETE') await new Promise<void>((resolve) => (answer = resolve));
    return new Response('answer', { status: 201, headers: { location: 'whep/7' } });
  });
  const stop = new AbortController();
  let over = false;
  const playing = playWebRtc(
    {
      ...{ kind: 'webrtc', by: 'viewer', stun: undefined, headers: {} },
      url: new URL('http://viewer.test/api/cameras/yard/whep'),
    },
    {
      ...{ signal: stop.signal, sound: false },
      ...{ onSound: () => undefined, onPicture: () => undefined, show: () => undefined },
    },
  ).then(() => {
    over = true;
  });
  await vi.waitFor(() => expect(asked).toEqual(['POST http://viewer.test/api/cameras/yard/whep']));
  stop.abort();
  await vi.waitFor(() => expect(asked[1]).toBe('DELETE http://viewer.test/api/cameras/yard/whep/7'));
  // As soon as anything could be over.
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(over).toBe(false);
  answer();
  await playing;
  // Told once: also when the page is left then.
  page.dispatchEvent(new Event('pagehide'));
  expect(asked).toHaveLength(2);
});

import { countPictures, faultOf, liveVideo, whenAborted, type LiveWay, type PlayingWay } from './live-way.ts';

/** Candidates of the own host are there at once; those that a STUN server tells may take this long. */
const GATHERING_MS = 1500;
/** An agent that does not answer is not waited for any longer. */
const LEAVING_MS = 2000;

/** WebRTC by WHEP (RFC 9725): the offer brings all its candidates, and so does the answer. */
export async function playWebRtc(way: LiveWay, { signal, onPicture, show }: PlayingWay): Promise<void> {
  const peer = new RTCPeerConnection(way.stun === undefined ? {} : { iceServers: [{ urls: way.stun }] });
  let session: string | undefined;
  // Where it does not arrive, the agent sees that nobody listens.
  const leave = async (): Promise<void> => {
    if (session === undefined) return;
    const left = session;
    session = undefined;
    const until = AbortSignal.timeout(LEAVING_MS);
    await fetch(left, { method: 'DELETE', headers: way.headers, keepalive: true, signal: until }).catch(
      () => undefined,
    );
  };
  const hide = (): void => void leave();
  addEventListener('pagehide', hide);
  try {
    const { receiver } = peer.addTransceiver('video', { direction: 'recvonly' });
    // Shown as soon as it can be: what is late is late anyway.
    if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
    const video = liveVideo({ sound: false });
    peer.addEventListener('track', ({ track }) => {
      video.srcObject = new MediaStream([track]);
      video.play().catch(() => undefined);
      show(video);
      countPictures(video, onPicture, signal);
    });
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer, signal);
    const response = await fetch(way.url, {
      method: 'POST',
      headers: { ...way.headers, 'content-type': 'application/sdp' },
      body: peer.localDescription?.sdp ?? '',
      signal,
    });
    if (!response.ok) throw await faultOf(response, 'The WebRTC offer');
    const location = response.headers.get('location');
    if (location !== null) session = sessionUrl(location, way.url);
    await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() });
    await Promise.race([whenAborted(signal), lost(peer)]);
  } finally {
    peer.close();
    removeEventListener('pagehide', hide);
    await leave();
  }
}

/** With the token of the offer's address, if it has one. */
function sessionUrl(location: string, offeredTo: URL): string {
  const url = new URL(location, offeredTo);
  const token = offeredTo.searchParams.get('token');
  if (token !== null && url.origin === offeredTo.origin) url.searchParams.set('token', token);
  return url.href;
}

function gathered(peer: RTCPeerConnection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, GATHERING_MS);
    function done(): void {
      clearTimeout(timer);
      resolve();
    }
    const look = (): void => {
      if (peer.iceGatheringState === 'complete') done();
    };
    peer.addEventListener('icegatheringstatechange', look, { signal });
    look();
  });
}

function lost(peer: RTCPeerConnection): Promise<void> {
  return new Promise((_, reject) => {
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'failed' || peer.connectionState === 'closed')
        reject(new Error('The WebRTC connection was lost.'));
    });
  });
}

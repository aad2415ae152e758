import { rtmpInput, rtpInput, sdpInput, srtInput, udpInput } from './broadcast.ts';
import { openCsi } from './csi.ts';
import { openExec } from './exec.ts';
import { fileArgs, openImages, openTest } from './files.ts';
import { openGo2rtc } from './go2rtc.ts';
import { openHttp } from './http.ts';
import { openOnvif } from './onvif.ts';
import { rtspInput } from './rtsp.ts';
import { openScreen } from './screen.ts';
import { plainInput, type OpenOptions, type SourceInput } from './source-input.ts';
import type { Source } from './source.ts';
import { openV4l2 } from './v4l2.ts';

export { SourceError } from './source-error.ts';
export type { OpenOptions, SourceInput } from './source-input.ts';

/**
 * Makes a source ready for ffmpeg: asks cameras for their stream's address, looks at what an address serves, starts
 * programs. Rejects with `SourceError`, whose message follows the camera's name, and with the signal's reason.
 */
export async function openInput(source: Source, options: OpenOptions): Promise<SourceInput> {
  options.signal.throwIfAborted();
  const input = await open(source, options);
  return source.kind === 'file' ? input : { ...input, args: decodedPromptly(input) };
}

/** Each further thread of a decoder delays the pictures by one more: of a camera that sends one a second, by a second. */
function decodedPromptly({ args, jpeg }: SourceInput): string[] {
  if (args.includes('-threads')) return args;
  return args.toSpliced(args.lastIndexOf('-i'), 0, '-threads', jpeg ? '1' : '2');
}

async function open(source: Source, options: OpenOptions): Promise<SourceInput> {
  switch (source.kind) {
    case 'file':
      return plainInput(fileArgs(source.path, options.pace));
    case 'images':
      return await openImages(source, options);
    case 'test':
      return await openTest(source, options);
    case 'rtsp':
      return rtspInput(source.url, options.settings.transport, options.analysis);
    case 'http':
      return await openHttp(source.url, options);
    case 'rtmp':
      return rtmpInput(source.url, options.analysis);
    case 'udp':
      return udpInput(source, options.analysis);
    case 'rtp':
      return rtpInput(source, options.analysis);
    case 'sdp':
      return sdpInput(source.path, options.analysis);
    case 'srt':
      return srtInput(source, options.analysis);
    case 'go2rtc':
      return await openGo2rtc(source, options);
    case 'onvif':
      return await openOnvif(source, options);
    case 'v4l2':
      return await openV4l2(source, options);
    case 'csi':
      return await openCsi(source, options);
    case 'screen':
      return await openScreen(source, options);
    case 'exec':
      return await openExec(source, options);
  }
}

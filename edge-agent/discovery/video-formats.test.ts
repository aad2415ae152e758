import { describe, expect, test } from 'vitest';
import { deviceFormats, faultIn } from './device-formats.ts';
import { bestFormat, parseFfmpegFormats, parseV4l2ctlFormats, type VideoFormat } from './video-formats.ts';

const ffmpegWebcam = `[video4linux2,v4l2 @ 0x55d0c8a6a700] Compressed:       mjpeg :          Motion-JPEG : 1920x1080 1280x720 640x480
[video4linux2,v4l2 @ 0x55d0c8a6a700] Raw       :     yuyv422 :           YUYV 4:2:2 : 640x480 1280x720
[video4linux2,v4l2 @ 0x55d0c8a6a700] Compressed: Unsupported :          VP9 of a kind : 640x480
[video4linux2,v4l2 @ 0x55d0c8a6a700] Raw       :       bgr24 :                 BGR3 : Emulated : 320x240
/dev/video0: Immediate exit requested
`;

const ffmpegScaler = `[video4linux2,v4l2 @ 0x1f3ee70] Raw       :     yuv420p :     Planar YUV 4:2:0 : {32-2592, 2}x{32-1944, 2}
[video4linux2,v4l2 @ 0x1f3ee70] Compressed:        h264 :                H.264 : {32-2592, 2}x{32-1944, 2}
/dev/video0: Immediate exit requested
`;

const ffmpegMetadata = `[video4linux2,v4l2 @ 0x55e1c8ce7700] Not a video capture device.
/dev/video1: No such device
`;

const ctlWebcam = `ioctl: VIDIOC_ENUM_FMT
	Type: Video Capture

	[0]: 'MJPG' (Motion-JPEG, compressed)
		Size: Discrete 1920x1080
			Interval: Discrete 0.033s (30.000 fps)
			Interval: Discrete 0.067s (15.000 fps)
		Size: Discrete 1280x720
			Interval: Discrete 0.017s (60.000 fps)
			Interval: Discrete 0.033s (30.000 fps)
	[1]: 'YUYV' (YUYV 4:2:2)
		Size: Discrete 1280x720
			Interval: Discrete 0.133s (7.500 fps)
		Size: Discrete 640x480
			Interval: Discrete 0.033s (30.000 fps)
	[2]: 'SBGG' (8-bit Bayer)
		Size: Discrete 640x480
			Interval: Discrete 0.033s (30.000 fps)
`;

const ctlOld = `ioctl: VIDIOC_ENUM_FMT
	Index       : 0
	Type        : Video Capture
	Pixel Format: 'H264' (compressed)
	Name        : H.264
		Size: Stepwise 32x32 - 2592x1944 with step 2/2
			Interval: Stepwise 0.011s - 1.000s with step 0.011s (1.000-90.000 fps)
`;

const ctlMetadata = `ioctl: VIDIOC_ENUM_FMT
	Type: Metadata Capture

	[0]: 'UVCH' (UVC Payload Header Metadata)
`;

const ctlEncoder = `ioctl: VIDIOC_ENUM_FMT
	Type: Video Output Multiplanar

	[0]: 'NV12' (Y/CbCr 4:2:0)
		Size: Discrete 640x480
`;

describe('the formats of a device', () => {
  test('as ffmpeg lists them: known ones with their sizes', () => {
    const size = (width: number, height: number) => ({ width, height, rates: [] });
    expect(parseFfmpegFormats(ffmpegWebcam)).toEqual([
      { format: 'mjpeg', raw: false, sizes: [size(1920, 1080), size(1280, 720), size(640, 480)] },
      { format: 'yuyv422', raw: true, sizes: [size(640, 480), size(1280, 720)] },
      { format: 'bgr24', raw: true, sizes: [size(320, 240)] },
    ]);
  });

  test('as v4l2-ctl lists them: with their rates', () => {
    expect(parseV4l2ctlFormats(ctlWebcam)).toEqual([
      {
        format: 'mjpeg',
        raw: false,
        sizes: [
          { width: 1920, height: 1080, rates: [30, 15] },
          { width: 1280, height: 720, rates: [60, 30] },
        ],
      },
      {
        format: 'yuyv422',
        raw: true,
        sizes: [
          { width: 1280, height: 720, rates: [7.5] },
          { width: 640, height: 480, rates: [30] },
        ],
      },
    ]);
  });

  test('of a device that scales are the usual sizes within its range', () => {
    const usual = [
      [1920, 1080],
      [1280, 720],
      [640, 480],
    ];
    for (const [formats, rates] of [
      [parseFfmpegFormats(ffmpegScaler).slice(1), []],
      [parseV4l2ctlFormats(ctlOld), [90]],
    ] as const) {
      const sizes = usual.map(([width, height]) => ({ width, height, rates }));
      expect(formats).toEqual([{ format: 'h264', raw: false, sizes }]);
    }
  });

  test('are none where it sends metadata or takes pictures instead', () => {
    expect(parseFfmpegFormats(ffmpegMetadata)).toEqual([]);
    expect(parseV4l2ctlFormats(ctlMetadata)).toEqual([]);
    expect(parseV4l2ctlFormats(ctlEncoder)).toEqual([]);
    expect(parseFfmpegFormats('\0\n]]Raw:::')).toEqual([]);
  });

  test.each([
    ['/dev/video0: Permission denied', /usermod -aG video/],
    ['/dev/video0: Device or resource busy', /in use/],
    ["Unknown input format: 'v4l2'", /without v4l2/],
    [ffmpegMetadata, /^$/],
  ])('that may not be seen say what to do: %s', (said, expected) => {
    const about = faultIn(said);
    expect('fault' in about ? about.fault : '').toMatch(expected);
  });

  test('of a device that is gone are none, and asking for them ends', async () => {
    expect(await deviceFormats('/dev/video-gone', new AbortController().signal)).toEqual({
      fault: 'was unplugged',
    });
  });
});

describe('the best format', () => {
  const of = (format: string, raw: boolean, ...sizes: [number, number, ...number[]][]): VideoFormat => ({
    ...{ format, raw },
    sizes: sizes.map(([width, height, ...rates]) => ({ width, height, rates })),
  });

  test('is H.264 before JPEG before raw pictures, however large', () => {
    const h264 = of('h264', false, [640, 480]);
    const mjpeg = of('mjpeg', false, [1280, 720]);
    const raw = of('yuyv422', true, [1280, 720]);
    expect(bestFormat([raw, mjpeg, h264])?.format).toBe('h264');
    expect(bestFormat([raw, mjpeg])?.format).toBe('mjpeg');
    expect(bestFormat([raw])).toEqual({ format: 'yuyv422', width: 1280, height: 720 });
    expect(bestFormat([])).toBeUndefined();
  });

  test('is at most 1920 wide, and its rate at most 30', () => {
    const formats = [of('mjpeg', false, [3840, 2160, 30], [1920, 1080, 60, 30, 15], [640, 480, 30])];
    expect(bestFormat(formats)).toEqual({ format: 'mjpeg', width: 1920, height: 1080, rate: 30 });
    expect(bestFormat([of('mjpeg', false, [3840, 2160, 30])])).toBeUndefined();
  });

  test('is not so large that it gets jerky', () => {
    const formats = [of('yuyv422', true, [1280, 720, 7.5], [640, 480, 30])];
    expect(bestFormat(formats)).toEqual({ format: 'yuyv422', width: 640, height: 480, rate: 30 });
    expect(bestFormat([of('yuyv422', true, [1280, 720, 7.5])])?.rate).toBe(7.5);
  });
});

/** Event ids end in their start, `yyyymmddthhmmss-uuuuuu` in UTC, after the camera and a dash. Pure. */
const ID = /^(.+)-(\d{4})(\d{2})(\d{2})t(\d{2})(\d{2})(\d{2})-(\d{6})$/;

export interface EventPlace {
  camera: string;
  startUs: number;
}

/** What an id says of its event; undefined where it is none. */
export function placeOf(id: string): EventPlace | undefined {
  const found = ID.exec(id);
  if (found === null) return undefined;
  const [, camera = '', year, month, day, hour, minute, second, micros] = found;
  const ms = Date.UTC(
    ...([
      Number(year),
      Number(month) - 1,
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
    ] as const),
  );
  return { camera, startUs: ms * 1000 + Number(micros) };
}

/** The cursor whose page begins with the last event of the camera before this time. */
export function cursorAt(camera: string, us: number): string {
  const ms = Math.floor(us / 1000);
  const stamp = new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase();
  const micros = Math.round(us - Math.floor(us / 1_000_000) * 1_000_000);
  return `${camera}-${stamp}-${String(micros).padStart(6, '0')}`;
}

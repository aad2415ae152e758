import { placeOf } from '@faascam/core/event-order';

/** `elsewhere`: it is about another camera. `unbound`: it is about no single one, and does not heed who may see which. */
export type CameraScope = 'within' | 'elsewhere' | 'unbound';

/**
 * Whether somebody who may see `cameras` alone may ask this. Its camera is the one in the path, or that of the event there;
 * an operation without either must say itself that it heeds them, or it is refused. Pure.
 */
export function cameraScope(
  { heedsCameras, needs }: { heedsCameras?: boolean; needs: string },
  params: Readonly<Record<string, string>>,
  cameras: readonly string[],
): CameraScope {
  const { camera, id } = params;
  if (camera !== undefined) return cameras.includes(camera) ? 'within' : 'elsewhere';
  if (id !== undefined) {
    const place = placeOf(id);
    // What is no event's id is the operation's to refuse.
    return place === undefined || cameras.includes(place.camera) ? 'within' : 'elsewhere';
  }
  return heedsCameras === true || needs === 'public' ? 'within' : 'unbound';
}

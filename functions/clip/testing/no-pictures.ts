import { clipSettings } from '@faascam/core/clip-settings';

/** Settings for a look at a clip that is only to prove it. */
export const noPictures = clipSettings.parse({ preview: { enabled: false }, strip: { enabled: false } });

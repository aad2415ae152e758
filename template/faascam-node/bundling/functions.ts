/** A function that is bundled: what esbuild cannot put into its one file. */
export interface BundledFunction {
  name: string;
  /** Packages with native code, which are installed in the image for its platform. */
  native: readonly string[];
  /** Whole files that it reads at run time. */
  files: 'none' | 'page' | 'models';
}

export const bundledFunctions: readonly BundledFunction[] = [
  { name: 'motion', native: ['sharp'], files: 'none' },
  { name: 'detect', native: ['onnxruntime-node', 'sharp'], files: 'models' },
  { name: 'events', native: [], files: 'none' },
  { name: 'clip', native: ['sharp'], files: 'none' },
  { name: 'viewer', native: ['@node-rs/argon2'], files: 'page' },
  { name: 'notify', native: [], files: 'none' },
];

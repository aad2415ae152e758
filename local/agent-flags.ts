/**
 * Flags of V8 for an agent, which runs for months on small hosts: no more memory for young objects than it needs. On
 * Node 20, only what is really hot is compiled once more, which takes more than it gives back where little is done each
 * second; later versions know no such flag.
 */
export const agentFlags: readonly string[] = [
  '--semi-space-growth-factor=1',
  ...(process.versions.node.startsWith('20.') ? ['--interrupt-budget=1000000'] : []),
];

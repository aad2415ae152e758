import process from 'node:process';
import { benchConnector } from '@faascam/connector/bench';

/** Forked by `connector.ts`, so that the connector runs with the flags that its image gives it. */
process.send?.(await benchConnector());
process.exit();

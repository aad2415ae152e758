'use strict';

/** Answers each call with the number of bytes that it brought. */
module.exports = async (event, context) => context.status(200).succeed({ bytes: event.body.length });

/** Resolves once calls can be served; until then no call comes. Leave it out if there is nothing to wait for. */
module.exports.ready = async () => undefined;

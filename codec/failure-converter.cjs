/** Messages and stack traces of failures become payloads as well, which the codec then encrypts. Temporal loads this
 *  file by its path with `require`, and bundles it into the workflows' sandbox: so it is CommonJS and imports nothing
 *  of ours. */
const { DefaultFailureConverter } = require('@temporalio/common');

exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });

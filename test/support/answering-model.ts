/** Stands for a model process: answers a job for which there is a checkpoint, and is busy for ever with another. */
import type { ToModelProcess } from '../../activities/gpu/model/protocol.ts';

process.on('message', (message: ToModelProcess) => {
  if (message.type === 'job' && message.job.checkpointFolder !== null)
    process.send!({ type: 'finished', reconstruction: null });
});
process.on('disconnect', () => process.exit(0));

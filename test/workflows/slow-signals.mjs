/** Has each signal to another workflow take a second, as on a busy cluster. Bundled with the workflows, whose loader
 *  for TypeScript reads no other folder. */
import { sleep } from '@temporalio/workflow';

// eslint-disable-next-line @typescript-eslint/explicit-module-boundary-types -- JavaScript has none
export const interceptors = () => ({
  outbound: [
    {
      signalWorkflow: async (input, next) => {
        await sleep('1 second');
        return next(input);
      },
    },
  ],
});

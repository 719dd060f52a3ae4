/** Privatizes a table, says when the first batch is drawn, and goes on slowly. Arguments: home, input, output. */
import { privatize } from '../../../rapt/client/index.ts';
import { backbone, mechanismOf } from './privatizing.ts';

const [home = '', input = '', output = ''] = process.argv.slice(2);
await privatize({
  input,
  output,
  home,
  backbone,
  mechanism: mechanismOf(200),
  onProgress: () => process.stdout.write('drawn\n'),
});

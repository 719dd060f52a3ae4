/** A process of its own that looks for a backbone: prints what it found, or why it did not. News go to stderr. */
import { locateBackbone } from '../../rapt/backbone/index.ts';
import { onHubNews } from '../../rapt/hub/index.ts';

onHubNews((line) => void process.stderr.write(`${line}\n`));
try {
  process.stdout.write(JSON.stringify(await locateBackbone(process.argv[2]!)));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: (error as Error).message }));
}

/** A program on a terminal, as somebody at a keyboard sees it. */
import { runProgram } from './stack.ts';

/** Types the keys when the program has said the word to wait for, and reads until it has said the last one. Python has
 *  terminals in its library. */
const SCRIPT = `
import json, os, pty, re, select, sys, time
command, dialogue = json.loads(sys.argv[1]), json.loads(sys.argv[2])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
said, deadline = b"", time.time() + 60
for awaited, keys in dialogue:
    while re.search(awaited.encode(), said) is None:
        if time.time() > deadline:
            sys.exit("waited in vain for %s in:\\n%s" % (awaited, said.decode(errors="replace")))
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                said += os.read(terminal, 65536)
            except OSError:
                break
    os.write(terminal, keys.encode())
sys.stdout.write(said.decode(errors="replace"))
`;

/** @param dialogue what to wait for, as a regular expression, and the keys to press then.
 *  @returns all that the terminal showed. @throws Error when it was waited for in vain. */
export async function onTerminal(
  command: readonly string[],
  dialogue: readonly (readonly [awaited: string, keys: string])[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const { code, stdout, stderr } = await runProgram(
    'python3',
    ['-c', SCRIPT, JSON.stringify(command), JSON.stringify(dialogue)],
    { ...env, TERM: 'xterm' },
  );
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

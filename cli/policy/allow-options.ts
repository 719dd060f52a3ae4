/** The options of `rapt policy allow`. They are checked before anything is read or written. */
import { BadInput, type InputProblem } from '../../contracts/index.ts';
import { fieldProblem, type TableRule } from '../../rapt/policy/index.ts';
import type { NoisyMechanism } from '../options/values.ts';

export interface AllowOptions {
  readonly file?: string;
  readonly set: string[];
  readonly name?: string;
  readonly textColumn?: string;
  readonly pairColumn?: string;
  readonly labelColumn?: string;
  readonly mechanism?: NoisyMechanism;
  readonly eta?: string;
  readonly labelEpsilon?: string;
  readonly none?: true;
  readonly public?: true;
  readonly answers?: string;
  readonly json?: true;
}

export const COLUMN_OPTIONS = {
  textColumn: '--text-column',
  pairColumn: '--pair-column',
  labelColumn: '--label-column',
} as const;
const RULE_OPTIONS = {
  name: '--name',
  mechanism: '--mechanism',
  eta: '--eta',
  labelEpsilon: '--label-epsilon',
  none: '--none',
  public: '--public',
} as const;

/** @throws BadInput for options that would have no effect, and values that the policy cannot hold. */
export function assertOptions(named: string | undefined, options: AllowOptions): void {
  const { file, set, answers, name, eta, labelEpsilon } = options;
  const command = 'rapt policy allow';
  if (named !== undefined && file !== undefined)
    throw new BadInput([{ where: command, problem: 'give either a configuration by -f, or a table' }]);
  if (named === undefined && file === undefined && answers === undefined)
    throw new BadInput([
      {
        where: command,
        problem: 'give a configuration by -f, or a table, or a folder by --answers',
      },
    ]);
  // An empty path would mean the current folder. It comes from a variable of the shell that is not set.
  if (named === '' || answers === '') {
    const where = named === '' ? command : '--answers';
    throw new BadInput([{ where, problem: 'is given an empty name; write a path' }]);
  }
  const given = (of: Partial<Record<keyof AllowOptions, string>>): string[] =>
    Object.entries(of).flatMap(([key, option]) => (options[key as keyof AllowOptions] === undefined ? [] : option));
  const useless: string[] = [];
  let why = '';
  if (file !== undefined) {
    useless.push(...given(COLUMN_OPTIONS));
    why = 'has no effect with -f, as the configuration names the columns; change it, or add --set data.FIELD=NAME';
  } else if (named !== undefined) {
    if (set.length > 0) useless.push('--set');
    why = 'has no effect without -f, as it changes a configuration; leave it out, or give the configuration by -f';
  } else {
    useless.push(...given({ ...COLUMN_OPTIONS, ...RULE_OPTIONS }), ...(set.length > 0 ? ['--set'] : []));
    why = 'has no effect without a table; name one, or give a configuration by -f, or leave it out';
  }
  const values: [option: string, field: keyof TableRule, value: unknown][] = [
    ['--name', 'name', name],
    ['--text-column', 'text', listed(options.textColumn)],
    ['--pair-column', 'pair', listed(options.pairColumn)],
    ['--label-column', 'label', listed(options.labelColumn)],
    ['--eta', 'eta', eta === undefined ? undefined : { exponential: Number(eta) }],
    ['--label-epsilon', 'labels', labelsOf(labelEpsilon).labels],
  ];
  const problems: InputProblem[] = useless.map((where) => ({ where, problem: why }));
  for (const [where, field, value] of values) {
    const problem = value === undefined || useless.includes(where) ? null : fieldProblem(field, value);
    if (problem !== null) problems.push({ where, problem });
  }
  if (problems.length > 0) throw new BadInput(problems);
}

export const listed = (column: string | undefined): string[] | undefined =>
  column === undefined ? undefined : [column];

export const labelsOf = (given: string | undefined): Partial<TableRule> =>
  given === undefined ? {} : { labels: given === 'plain' ? 'plain' : Number(given) };

/** The run's configuration from a file and options, checked before anything is started. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { parse } from 'yaml';
import { BadInput, parseTuningConfig, type InputProblem, type TuningConfig } from '../../contracts/index.ts';
import { baselineProblems } from '../../activities/client/records/baseline.ts';
import { clientHome } from '../../rapt/home.ts';
import { inspectColumns } from '../../rapt/data/index.ts';
import { readPolicy, unknownName, withTables, type Policy } from '../../rapt/policy/index.ts';
import { withAbsolutePaths } from './config-paths.ts';

export interface ConfigOptions {
  /** JSON or YAML; "-" reads standard input. Paths in it are relative to its folder. */
  readonly file?: string | undefined;
  /** "tuning.epochs=3": JSON values, anything else is a string. Paths are relative to the current folder. */
  readonly set?: readonly string[] | undefined;
  /** "accuracy>=0.7", "accuracy >= baseline - 0.01". Gates on a metric take the place of the file's gates on it.
   *  Several on one metric must all hold. */
  readonly gate?: readonly string[] | undefined;
  /** The run that gates compare with. */
  readonly baseline?: string | undefined;
}

/** Reads and checks it.
 *  @param localFiles whether the client worker reads this machine's files, so that they can be looked at now.
 *  @throws BadInput with everything that is wrong. */
export async function loadConfig(
  { file, set = [], gate = [], baseline }: ConfigOptions,
  localFiles: boolean,
): Promise<TuningConfig> {
  const problems: InputProblem[] = [];
  // A path in a file is relative to the file, as in other tools. A path in an option is relative to the current folder.
  const base = file === undefined || file === '-' ? process.cwd() : dirname(resolve(file));
  const written = file === undefined ? {} : readConfigFile(file);
  const input = withAbsolutePaths(written, base);
  for (const assignment of set) problems.push(...assign(input, assignment));
  if (file === undefined) input['data'] = onDefaultTable(input['data']);
  problems.push(...addGates(input, gate));
  if (baseline !== undefined) input['baseline'] = baseline;
  const parsed = parseTuningConfig(input);
  if (!parsed.ok) throw new BadInput([...problems, ...parsed.problems]);
  const config = parsed.value;
  if (localFiles) {
    const policy = readPolicy(clientHome());
    const unknown = unknownNames(policy, config);
    const found =
      unknown.length > 0 ? unknown : await inspectColumns(withTables(policy, config).data, { listColumns: true });
    problems.push(
      ...found.map((problem) => besideTheFile(problem, base, file)),
      ...baselineProblems(clientHome(), config),
    );
  }
  if (problems.length > 0) throw new BadInput(problems);
  return config;
}

function unknownNames(policy: Policy, { data }: TuningConfig): InputProblem[] {
  return (['train', 'test'] as const).flatMap((field) => {
    const problem = unknownName(policy, data[field] ?? '');
    return problem === null ? [] : [{ where: `data.${field}`, problem }];
  });
}

/** Without a file, the settings change the default run. */
function onDefaultTable(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || 'train' in data) return data;
  const whole = parseTuningConfig({});
  return whole.ok ? { ...whole.value.data, ...data } : data;
}

/** A file that does not lie beside the configuration may lie where the command runs: the user named it as seen from
 *  there. */
function besideTheFile(found: InputProblem, base: string, file: string | undefined): InputProblem {
  const { where } = found;
  const here = resolve(relative(base, where));
  if (file === undefined || existsSync(where) || !isAbsolute(where) || !existsSync(here)) return found;
  const wayOut = `paths in ${file} are relative to the folder that it lies in: write ${relative(base, here)}`;
  return { where, problem: `does not exist; ${wayOut}` };
}

function readConfigFile(file: string): Record<string, unknown> {
  if (file !== '-' && !existsSync(file))
    throw new BadInput([
      {
        where: file,
        problem: 'does not exist; give a configuration in JSON or YAML, or leave -f out for the default run',
      },
    ]);
  let value: unknown;
  try {
    // JSON is YAML as well.
    value = parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (error) {
    const at =
      error instanceof Error && 'linePos' in error ? (error.linePos as { line: number; col: number }[])[0] : undefined;
    throw new BadInput([
      {
        where: at === undefined ? file : `${file}, line ${at.line}, column ${at.col}`,
        problem: 'is neither JSON nor YAML here',
      },
    ]);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new BadInput([{ where: file, problem: 'must hold one object of settings' }]);
  return value as Record<string, unknown>;
}

function assign(input: Record<string, unknown>, assignment: string): InputProblem[] {
  const [, path, text] = /^([\w.]+)=(.*)$/s.exec(assignment) ?? [];
  if (path === undefined || text === undefined)
    return [{ where: `--set ${assignment}`, problem: 'must have the form field.path=value, such as tuning.epochs=3' }];
  const fields = path.split('.');
  const last = fields.pop()!;
  let at = input;
  for (const field of fields) {
    const inner = at[field];
    at = at[field] = typeof inner === 'object' && inner !== null ? { ...inner } : {};
  }
  at[last] = absoluteAt([...fields, last], jsonOrText(text));
  return [];
}

/** The value of an option, with the paths in it as seen from where the command runs. */
function absoluteAt(path: readonly string[], value: unknown): unknown {
  const [outer = '', ...inner] = path;
  const nested = inner.reduceRight<unknown>((inside, field) => ({ [field]: inside }), value);
  return path.reduce<unknown>(
    (at, field) => (at as Record<string, unknown>)[field],
    withAbsolutePaths({ [outer]: nested }),
  );
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function addGates(input: Record<string, unknown>, conditions: readonly string[]): InputProblem[] {
  const problems: InputProblem[] = [];
  const given: Record<string, string[]> = {};
  for (const condition of conditions) {
    const [, metric, rest] = /^\s*([\w.-]+?)\s*([<>=].*)$/s.exec(condition) ?? [];
    if (metric === undefined || rest === undefined)
      problems.push({
        where: `--gate ${condition}`,
        problem: "must have the form 'accuracy>=0.7' or 'accuracy >= baseline - 0.01'",
      });
    else (given[metric] ??= []).push(rest);
  }
  const gates = Object.entries(given).map(([metric, all]) => [metric, all.length === 1 ? all[0] : all]);
  if (gates.length > 0) input['gates'] = { ...(input['gates'] as object | undefined), ...Object.fromEntries(gates) };
  return problems;
}

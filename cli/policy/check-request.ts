/** A configuration against this machine's policy, before anything is started. */
import { BadInput, type InputProblem, type TuningConfig } from '../../contracts/index.ts';
import { classRowsOf } from '../../rapt/client/index.ts';
import { inspectTables } from '../../rapt/data/index.ts';
import { clientHome } from '../../rapt/home.ts';
import { foundProblems, readPolicy, tuningAllowed, withTables } from '../../rapt/policy/index.ts';

/** Why this machine's policy does not allow a run; empty when it does. The backbone is not opened, so that some reasons
 *  may show only later. */
export async function policyProblems(asked: TuningConfig): Promise<readonly InputProblem[]> {
  const policy = readPolicy(clientHome());
  const config = withTables(policy, asked);
  const { problems, rules } = await tuningAllowed(policy, config);
  if (problems.length > 0) return problems;
  try {
    const inspection = await inspectTables(config.data, { splitByLabels: config.privacy.labelEpsilon === undefined });
    return foundProblems(
      policy,
      rules,
      config.backbone,
      await classRowsOf(config.data, inspection, config.privacy.labelEpsilon === undefined),
    );
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    return error.problems;
  }
}

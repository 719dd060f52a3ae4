import { defaultPolicy } from './policy.ts';

/** A policy where there is none yet: every field with its default, and a comment that explains it. */
export function newPolicyText(): string {
  const { budgets, backbones } = defaultPolicy();
  const limits = Object.entries(budgets).map(([name, value]) => `${name}: ${value}`);
  return `# What may leave this machine, whoever asks for it: the Temporal UI, a CI job, a schedule, the provider.
# The client worker reads this file for each request, and refuses what it does not allow.
# A run that you start here by \`rapt run\` or \`rapt predict\` carries your own word, and needs no line here.
version: 1

# Tables by their path. A slash at the end means a folder, or a part of a bucket, and all below it.
# \`rapt policy allow -f tuning.yaml\` adds the table of a configuration, with its columns, mechanism and eta.
#
#  - table: /data/reviews.csv
#    name: reviews              # requests may then say table://reviews, and tell no path
#    text: [review]             # columns that may be privatized; also: pair
#    label: [stars]             # columns whose values leave as class names
#    attributes: []             # columns that an audit here may read; they never leave
#    mostClasses: 20            # a column of more values is no label
#    smallestClass: 5           # training rows that each class must have
#    eta: { exponential: 14 }   # the largest eta of each mechanism that may be used; also: laplace
#    none: false                # true: the texts may leave as they are
#    labels: plain              # or a number: labels leave by randomized response alone, under at most this epsilon
#    public: false              # true: the texts are nobody's secret, and do not count against the budgets
tables: []

# Models in whose embedding table distances are measured: a name, a folder, "sha256:..." of the weights, or public
# for any model of the hub.
backbones: [${backbones.join(', ')}]

# The largest sums over all releases of a text, and of one that is in every release; labels: of label epsilons.
# One that is left out is as here; none lifts it. \`rapt ledger budget\` limits your own runs as well.
budgets: { ${limits.join(', ')} }

# Folders that answers to predictions may be written to. No file in them is overwritten.
answers: []

# Files that an audit may take for public text.
publicTexts: []
`;
}

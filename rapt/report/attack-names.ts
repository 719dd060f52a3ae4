/** What each attack does, for who reads its result. */
export const ATTACK_NAMES: Readonly<Record<string, string>> = {
  inversion: 'Nearest token (embedding inversion)',
  inversionTop10: 'Among the ten nearest',
  bayes: "Bayes' rule with the prior that the release gives away",
  bayesTop10: "Among the ten likeliest by Bayes' rule",
  learned: 'Inverter learned from the plain tokens',
  learnedTop10: 'Among the ten likeliest of the learned inverter',
  context: 'Whole texts decoded (hidden Markov model)',
  masked: 'A token from its released neighbours alone',
};

/** What the columns beside an attack mean. */
export const BLIND_GUESSES =
  'Without the release: always the likeliest token of a prior that has not seen it, of public text where the audit ' +
  'was ' +
  "given some, else by Zipf's law over the vocabulary, which knows no language. Most frequent token alone: always " +
  'the one ' +
  'that the release itself tells to be the most frequent. Of the ten likeliest, ten.';

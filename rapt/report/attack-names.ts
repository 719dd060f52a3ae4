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

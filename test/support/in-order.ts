/** @returns what matches a message in which these pieces stand word for word, in this order, with anything between. */
export const inOrder = (...pieces: readonly string[]): RegExp =>
  new RegExp(pieces.map((piece) => piece.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')).join('[^]*'));

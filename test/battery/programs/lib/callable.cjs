module.exports = function callable(x) {
  return x + 1;
};
module.exports.extra = (x) => x + 2;
module.exports.VALUE = 5;

const FACTOR = 3;
exports.FACTOR = FACTOR;
exports.scale = (x) => x * FACTOR;
exports.Greeter = class Greeter {
  greet() {
    return `hello ${FACTOR}`;
  }
};
exports.nested = { deep: { twice: (x) => x * 2 } };

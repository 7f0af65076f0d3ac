Object.defineProperty(exports, '__esModule', { value: true });
exports.default = (x) => x * 7;
exports.named = (x) => x * 8;

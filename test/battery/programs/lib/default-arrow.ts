export default (x: number) => x + 100;

export default class {
  value = 'default class';
  get() {
    return this.value;
  }
}

export class ImportedError extends Error {
  override name = 'ImportedError';
  code = 'E_IMPORTED';
  context = { list: [1, 2] };
}
export class HttpError extends Error {
  status: number;
  retry = () => this.status;
  constructor(message: string, status: number) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
  }
}

export default { greet: (name: string) => `hello ${name}`, level: 3 };

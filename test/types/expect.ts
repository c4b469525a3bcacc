// Assertions about types, which only the compiler runs.

/** Whether two types are the same, and not only assignable: `any` is nothing but `any`. */
export type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Does not compile unless `T` is true: `type _ = Expect<Equal<…>>`. */
export type Expect<T extends true> = T;

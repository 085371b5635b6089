/** A number or string with a name: mixing two brands does not compile, and costs nothing at run time. */
export type Brand<Value, Name extends string> = Value & { readonly [brand]: Name };

declare const brand: unique symbol;

//! A proof by the compiler that a type does not have a trait.

/// Compiles only when the type has none of these traits: `has_none!(Auth: Display, Serialize);`. With one of them, it
/// could not be told which of two traits is meant.
#[macro_export]
macro_rules! has_none {
    ($type:ty: $($forbidden:path),+ $(,)?) => {
        $(const _: () = {
            trait Told<Which> {
                fn once() {}
            }
            impl<Any: ?Sized> Told<()> for Any {}
            impl<Any: ?Sized + $forbidden> Told<u8> for Any {}
            let _ = <$type as Told<_>>::once;
        };)+
    };
}

#if hasFeature(Embedded)
  /// Nothing: Embedded Swift knows no raw layout, and specialises all that it lends.
  public struct Pinned: ~Copyable {
    /// Pins the struct that it is a field of.
    public init() {}
  }
#else
  /// Keeps the large noncopyable struct that has it as a field in its place.
  ///
  /// To read one field of a struct whose value can be loaded, ordinary Swift copies all of it wherever it is
  /// lent to a function that is not inlined: 800 bytes of a session for one deadline. A struct with this
  /// field has no value to be loaded, so its address is lent. It takes no memory.
  @_rawLayout(size: 0, alignment: 1)
  public struct Pinned: ~Copyable {
    /// Pins the struct that it is a field of.
    public init() {}
  }
#endif

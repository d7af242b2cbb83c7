import Core

/// An arena for one test. Its memory is never given back: tests are short-lived.
public func testArena(bytes: Int = 1 << 20) -> Arena {
  let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: bytes, alignment: Arena.alignment)
  return Arena(over: memory)
}

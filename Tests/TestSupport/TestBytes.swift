import Core

/// The bytes of `text`.
public func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

/// The text of `bytes`.
public func text(_ bytes: Span<UInt8>) -> String {
  String(decoding: array(bytes), as: UTF8.self)
}

/// A copy of `bytes`.
public func array(_ bytes: Span<UInt8>) -> [UInt8] {
  var copy: [UInt8] = []
  for index in bytes.indices { copy.append(bytes[index]) }
  return copy
}

/// What `body` appends into a buffer of `capacity` bytes.
public func written(
  capacity: Int = 4096, _ body: (inout OutputSpan<UInt8>) -> Void
) -> [UInt8] {
  let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: capacity)
  defer { memory.deallocate() }
  var out = OutputSpan(buffer: memory, initializedCount: 0)
  body(&out)
  let count = out.finalize(for: memory)
  return Array(memory[..<count])
}

/// Appends the UTF-8 bytes of `text`.
public func append(_ text: String, to out: inout OutputSpan<UInt8>) {
  for byte in text.utf8 { out.append(byte) }
}

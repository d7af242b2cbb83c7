import Core

/// A name that the kernel gives to a chip or a line, at most 31 bytes.
public typealias KernelName = FixedText<32>

extension FixedText where capacity == 32 {
  /// A copy of one of the 32-byte, NUL-terminated fields of cgpio.h.
  init<Field>(field: Field) {
    self.init()
    unsafe withUnsafeBytes(of: field) { bytes in
      for index in bytes.indices {
        // Sound: the index lies in the field.
        let byte = unsafe bytes[index]
        if byte == 0 { break }
        append(byte)
      }
    }
  }

  /// Writes it into such a field, cut to 31 bytes.
  func write<Field>(field: inout Field) {
    unsafe withUnsafeMutableBytes(of: &field) { bytes in
      for index in bytes.indices {
        // Sound: the index lies in the field.
        unsafe bytes[index] = index < min(count, 31) ? self[index] : 0
      }
    }
  }
}

import CLinux
import Core
import Linux

/// Memory from the system, given back with the last reference.
@safe final class MemoryBlock {
  private let memory: UnsafeMutableRawBufferPointer

  init(_ bytes: Int) throws(SystemError) {
    guard let memory = unsafe Memory.map(max(bytes, 1)) else {
      throw SystemError(code: ENOMEM, doing: "memory")
    }
    unsafe self.memory = memory
  }

  // Sound: who has tables in the block holds the block, and touches them no more in its own end.
  deinit { unsafe Memory.unmap(memory) }

  /// An arena over the whole block; made once.
  var arena: Arena { unsafe Arena(over: memory) }

  /// The same for large tables of zeros: their pages take no memory before they are used.
  var freshArena: Arena { unsafe Arena(over: memory, isZeroed: true) }
}

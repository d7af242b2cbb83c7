import CGPIO
import CLinux
import Core
import Device
import Linux

extension GPIOBoard {
  /// Calls `found` for each point that has a line, with the label of the line's chip and what the kernel
  /// says of the line now; `missing` with the reason for one whose line is not there. Requests nothing, so
  /// an agent that has the lines is not disturbed.
  public static func survey(
    _ points: Span<PointSpec>, texts: borrowing TextPool,
    found: (_ point: Int, _ chip: KernelName, _ line: LineDescription) -> Void,
    missing: (BoardError) -> Void
  ) {
    let finder = LineFinder()
    for index in points.indices where points[index].kind != .sensor {
      do throws(BoardError) {
        let (chip, line) = try finder.describe(points[index].line, of: index, texts: texts)
        found(index, chip, line)
      } catch {
        missing(error)
      }
    }
  }

  /// The version of libgpiod that this program speaks: 1 or 2. With 2 the kernel debounces.
  public static var libraryVersion: Int { Int(cgpio_api()) }

  /// The version of the kernel's own GPIO interface, 1 or 2, at the first chip that may be opened; nil
  /// when there is none.
  public static var kernelInterface: Int? {
    for number in 0..<Chip.numberLimit {
      let version = Chip.devicePath(number).withBytes { path in
        // Sound: the C string lives through the call.
        unsafe withCString(path) { unsafe cgpio_kernel_interface($0) }
      }
      if let version, version > 0 { return Int(version) }
    }
    return nil
  }
}

extension LineFinder {
  /// The line that `spec` names, as the kernel describes it, and its chip's label.
  fileprivate func describe(
    _ spec: LineSpec, of point: Int, texts: borrowing TextPool
  ) throws(BoardError) -> (KernelName, LineDescription) {
    let place = try find(spec, of: point, texts: texts)
    do throws(SystemError) {
      guard let chip = chip(place.chip) else { throw SystemError(code: ENODEV, doing: "describe") }
      return (chip.label, try chip.describe(place.offset))
    } catch {
      throw BoardError(point: point, reason: .refused(error))
    }
  }
}

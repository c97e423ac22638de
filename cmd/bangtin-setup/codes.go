package main

import "bangtin/internal/notice"

// The parts in whose name notices are put.
const (
	partSetup = "setup"
	partEnrol = "enrol" // the enrolment's own: it is another user, and replaces nothing that root has put
	partCode  = "code"  // what setup says of the code on a stick
)

// What is said, for the telephone. docs/OPERATIONS.md lists them all.
const (
	codeNone     = "S01" // no site file anywhere
	codeUnread   = "S02" // the stick cannot be read
	codeFiles    = "S03" // a file is missing, too large, or none
	codeTrust    = "S04" // the trust document is refused
	codeSeal     = "S05" // the seal is refused
	codeSite     = "S06" // the site file is refused
	codeOlder    = "S07" // older than the present one
	codeOther    = "S08" // another display's
	codeStore    = "S09" // cannot be stored
	codeBelieved = "S10" // taken, on the word of who brought the stick
	codeUnfit    = "S11" // the site file that the display has cannot be used
	codeEnrol    = "E01" // not enrolled yet
)

// say is the notice of a code. The sentences say what is wrong, then what to do.
func say(code string, details ...string) notice.Notice {
	n := notice.Notice{Part: partSetup, Code: code, Details: details}
	switch code {
	case codeNone:
		n.Vi = "Bảng tin chưa có tệp cấu hình. Hãy cắm USB cấu hình của Sở vào bộ điều khiển."
		n.En = "This display has no site file yet. Plug the department's USB stick into the controller."
	case codeUnread:
		n.Vi = "Không đọc được USB. Hãy dùng USB định dạng FAT32, hoặc thử một USB khác."
		n.En = "The USB stick cannot be read. Use one that is formatted as FAT32, or try another stick."
	case codeFiles:
		n.Vi = "Thư mục bangtin trên USB thiếu tệp, hoặc có tệp quá lớn. Hãy ghi lại USB bằng công cụ của Sở."
		n.En = "A file in the stick's folder bangtin is missing or too large. Write the stick again with the department's tool."
	case codeTrust:
		n.Vi = "Không chấp nhận danh sách khóa (trust.json) trên USB. Hãy báo mã này cho Sở."
		n.En = "The trust document on the stick is refused. Tell the department this code."
	case codeSeal:
		n.Vi = "Niêm phong của tệp cấu hình không hợp lệ. Hãy yêu cầu Sở niêm phong lại tệp và ghi lại USB."
		n.En = "The seal of the site file is not valid. Have the department seal the file again and write the stick anew."
	case codeSite:
		n.Vi = "Tệp cấu hình có lỗi. Hãy yêu cầu Sở sửa các lỗi được liệt kê, niêm phong lại và ghi lại USB."
		n.En = "The site file has mistakes. Have the department mend those that are listed, seal it and write the stick anew."
	case codeOlder:
		n.Vi = "Tệp cấu hình trên USB cũ hơn tệp đang dùng. Bảng tin giữ tệp đang dùng; hãy rút USB này ra."
		n.En = "The site file on the stick is older than the present one, which the display keeps. Take the stick out."
	case codeOther:
		n.Vi = "Tệp cấu hình trên USB là của bảng tin khác. Hãy dùng USB của đúng bảng tin này."
		n.En = "The site file on the stick belongs to another display. Use the stick that was made for this one."
	case codeStore:
		n.Vi = "Không lưu được cấu hình vào ổ đĩa của bộ điều khiển. Hãy khởi động lại; nếu vẫn lỗi, hãy thay ổ đĩa."
		n.En = "The controller's disk does not take the configuration. Restart it; if that does not help, replace the disk."
	case codeBelieved:
		n.Vi = "Đã nhận cấu hình từ USB. Đây là lần đầu nên bảng tin theo danh sách khóa (trust.json) trên USB; hãy đối chiếu mã SHA-256 với Sở."
		n.En = "The configuration was taken. As it was the first, the stick's trust document was believed: compare its hash with the department's."
	case codeUnfit:
		n.Vi = "Tệp cấu hình đã lưu trong bộ điều khiển bị hỏng hoặc có lỗi. Hãy cắm USB cấu hình của Sở; báo cho Sở các lỗi được liệt kê."
		n.En = "The site file that the controller has is damaged or has mistakes. Plug the department's stick in, and tell it those that are listed."
	case codeEnrol:
		n.Part = partEnrol
		n.Vi = "Bảng tin chưa được Sở cấp chứng thư và đang tự thử lại. Hãy kiểm tra mạng, giờ và mã đăng ký."
		n.En = "The display has no certificate from the department yet and goes on trying. Check network, clock and code."
	}
	return n
}

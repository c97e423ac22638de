package hwmon

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
)

// An INAConfig is one INA219 or INA226 power meter in the direct current supply of a panel.
type INAConfig struct {
	Name          string  // of the sensor in its readings
	Model         string  // "ina219" or "ina226"
	Bus           i2c.Bus // may be shared with others; see [OpenBus]
	Address       uint16  // 0x40 to 0x4f, by the part's two address pins
	ShuntMilliOhm float64 // the resistor between its inputs, 0.1 mΩ to 10 Ω
	MaxCurrent    physic.ElectricCurrent

	Every  time.Duration // between two readings, 100 ms to 3 s [1 s]
	Limits Limits        // [DefaultLimits of a Meter]
	Log    *slog.Logger  // [none]
}

// Registers that both parts have (datasheets SBOS448 and SBOS547, register maps).
const (
	inaConfig      = 0x00
	inaShunt       = 0x01
	inaBus         = 0x02
	inaPower       = 0x03
	inaCalibration = 0x05
	inaMask        = 0x06 // INA226 alone
)

// An inaModel is what differs between the parts.
type inaModel struct {
	config    uint16 // both inputs, continuously, averaged over 35 to 70 ms
	scale     int64  // calibration × current step × resistance, in 10⁻¹² V
	calMask   uint16 // the bits that the calibration register has
	powerStep int64  // the power step in current steps
	shuntStep int64  // nV
	shuntFull int64  // nV: the most that it measures
	offset    int64  // nV: more than this backwards is no offset of the part
	busStep   int64  // µV
	busMax    int64  // µV: the most that the part bears
}

func model(name string) (inaModel, error) {
	switch name {
	case "ina219":
		// 32 V, ±320 mV, 128 samples of each: 68 ms. Bit 0 of the calibration is always 0.
		return inaModel{0x3FFF, 40_960_000_000, 0xFFFE, 20, 10_000, 320_000_000, 200_000, 4_000, 26_000_000}, nil
	case "ina226":
		// 16 samples of 1.1 ms of each: 35 ms. Bit 15 of the calibration is always 0.
		return inaModel{0x4527, 5_120_000_000, 0x7FFF, 25, 2_500, 81_917_500, 50_000, 1_250, 36_000_000}, nil
	}
	return inaModel{}, fmt.Errorf("%q is neither ina219 nor ina226", name)
}

// An ina is one part, set up.
type ina struct {
	inaModel
	dev         *i2c.Dev
	bus219      bool  // its flags are in the bus register, as in the INA219
	ohms        int64 // µΩ
	calibration uint16
	step        int64 // pA: the current step that this calibration gives
}

// NewINA returns a meter whose readings hold the watts of one conversion, and no joules. It asks the bus for nothing
// yet. A bus that hangs holds up its own goroutine, and the sensor is unknown meanwhile.
//
// Whenever the part has lost its set-up, as after a brown-out and when it is new, that reading is unknown and the set-up is
// written again: a part without calibration says 0 W of a panel that is lit.
func NewINA(c INAConfig) (hal.Sensor, error) {
	p, err := newINA(c)
	if err != nil {
		return nil, fmt.Errorf("cannot set up meter %s: %w", c.Name, err)
	}
	w, err := newWatch(cmp.Or(c.Every, time.Second), c.Log, probe{
		name:   c.Name,
		kind:   hal.Meter,
		limits: c.Limits.or(DefaultLimits(hal.Meter)),
		read:   p.read,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot set up meter %s: %w", c.Name, err)
	}
	return w, nil
}

// newINA works the calibration out: the current step is a 2¹⁵th of the largest current, and the register
// trunc(scale / (step·resistance)).
func newINA(c INAConfig) (*ina, error) {
	m, err := model(c.Model)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Bus == nil:
		return nil, errors.New("it has no bus")
	case c.Address < 0x40 || c.Address > 0x4F:
		return nil, fmt.Errorf("address %#02x is outside 0x40 to 0x4f", c.Address)
	case !(c.ShuntMilliOhm >= 0.1 && c.ShuntMilliOhm <= 10_000):
		return nil, fmt.Errorf("a shunt of %g mΩ is outside 0.1 mΩ to 10 Ω", c.ShuntMilliOhm)
	case c.MaxCurrent < physic.MilliAmpere || c.MaxCurrent > 1000*physic.Ampere:
		return nil, fmt.Errorf("a largest current of %s is outside 1 mA to 1000 A", c.MaxCurrent)
	}
	p := &ina{inaModel: m, dev: &i2c.Dev{Bus: c.Bus, Addr: c.Address}, bus219: c.Model == "ina219"}
	p.ohms = int64(math.Round(c.ShuntMilliOhm * 1000))
	nanoamps := int64(c.MaxCurrent / physic.NanoAmpere)
	if drop := float64(nanoamps) * float64(p.ohms) / 1e6; drop > float64(m.shuntFull) {
		return nil, fmt.Errorf("%s through %g mΩ is more than the %d mV that it measures", c.MaxCurrent, c.ShuntMilliOhm, m.shuntFull/1_000_000)
	}
	step := float64(nanoamps) / (1 << 15)
	cal := math.Floor(float64(m.scale) * 1000 / (step * float64(p.ohms)))
	if cal > float64(m.calMask) {
		return nil, fmt.Errorf("%s through %g mΩ is too little for its calibration", c.MaxCurrent, c.ShuntMilliOhm)
	}
	p.calibration = uint16(cal) & m.calMask
	if p.calibration == 0 {
		return nil, fmt.Errorf("%s through %g mΩ is too much for its calibration", c.MaxCurrent, c.ShuntMilliOhm)
	}
	p.step = m.scale * 1_000_000 / (int64(p.calibration) * p.ohms)
	return p, nil
}

// read measures once. Registers are read one by one while the part goes on converting, so a load that changes just
// then makes them disagree: they are read once more before the part is blamed.
func (p *ina) read() (sample, error) {
	for again := false; ; again = true {
		if held, err := p.hasSetUp(); err != nil {
			return sample{}, err
		} else if !held {
			s := sample{wrong: "its calibration was lost, as in a brown-out; it was written again"}
			return s, p.setUp()
		}
		m, err := p.measure()
		if err != nil {
			return sample{}, err
		}
		wrong := p.faults(m)
		if wrong == "" && !p.consistent(m) {
			if !again {
				continue
			}
			wrong = fmt.Sprintf("it says %d mW, but %d mV and %d µV at the shunt give %d mW", m.power, m.bus/1000, m.shunt/1000, p.product(m))
		}
		if m.shunt < 0 {
			m.power = 0 // the offset of a part through which nothing flows
		}
		return sample{value: m.power, raw: m.raw, wrong: wrong}, nil
	}
}

// hasSetUp reads configuration and calibration back, each time: a part that lost them answers all the same.
func (p *ina) hasSetUp() (bool, error) {
	cal, err := p.get(inaCalibration)
	if err != nil {
		return false, err
	}
	config, err := p.get(inaConfig)
	return cal == p.calibration && config == p.config, err
}

func (p *ina) setUp() error {
	if err := p.set(inaConfig, p.config); err != nil {
		return err
	}
	return p.set(inaCalibration, p.calibration)
}

// A measurement is one reading of the registers.
type measurement struct {
	shunt    int64 // nV
	bus      int64 // µV
	power    int64 // mW
	overflow bool
	raw      int64 // both voltages, to the last digit
}

func (p *ina) measure() (measurement, error) {
	shunt, err1 := p.get(inaShunt)
	bus, err2 := p.get(inaBus)
	power, err3 := p.get(inaPower)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return measurement{}, err
	}
	m := measurement{
		shunt: int64(int16(shunt)) * p.shuntStep,
		power: int64(power) * p.powerStep * p.step / 1_000_000_000,
		raw:   int64(shunt)<<16 | int64(bus),
	}
	if p.bus219 {
		m.bus, m.overflow = int64(bus>>3)*p.busStep, bus&1 != 0
		return m, nil
	}
	m.bus = int64(bus) * p.busStep
	mask, err := p.get(inaMask)
	m.overflow = mask&(1<<2) != 0
	return m, err
}

// faults tells what makes the measurement none.
func (p *ina) faults(m measurement) string {
	switch {
	case m.overflow:
		return "its own arithmetic overflowed"
	case m.shunt >= p.shuntFull || m.shunt <= -p.shuntFull:
		return "the current is more than it can measure"
	case m.shunt < -p.offset:
		return fmt.Sprintf("the current flows backwards, %d µV: the shunt is wired the wrong way round", m.shunt/1000)
	case m.bus > p.busMax:
		return fmt.Sprintf("%d mV on its bus input are more than the part bears", m.bus/1000)
	case m.bus < 500_000 && m.shunt > p.offset:
		return "a current flows, but there is no voltage: its bus input is not connected"
	}
	return ""
}

// product is the power in mW that the two voltages give, without a sign as in the power register.
func (p *ina) product(m measurement) int64 {
	return max(m.shunt, -m.shunt) * m.bus / p.ohms / 1_000_000 // nV/µΩ is mA
}

// consistent tells whether the power register fits the two voltages: within a twentieth, and what the last digits
// amount to.
func (p *ina) consistent(m measurement) bool {
	want := p.product(m)
	digits := 2*p.powerStep*p.step/1_000_000_000 + 2*p.shuntStep*m.bus/p.ohms/1_000_000 + 1
	return max(m.power-want, want-m.power) <= want/20+digits
}

func (p *ina) get(register byte) (uint16, error) {
	var b [2]byte
	if err := p.dev.Tx([]byte{register}, b[:]); err != nil {
		return 0, fmt.Errorf("cannot read register %#02x of %s: %w", register, p.dev, err)
	}
	return binary.BigEndian.Uint16(b[:]), nil
}

func (p *ina) set(register byte, v uint16) error {
	if err := p.dev.Tx([]byte{register, byte(v >> 8), byte(v)}, nil); err != nil {
		return fmt.Errorf("cannot write register %#02x of %s: %w", register, p.dev, err)
	}
	return nil
}

package trust

// PAE is for the test against the published vector, whose payload type is not one of ours.
var PAE = pae

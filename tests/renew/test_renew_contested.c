/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal with contested keys. */
int main(void)
{
    return 0;
}
